//! A client of Spark's that is not vmesh.

use std::io::Cursor;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use spark_connect_core::{ChannelBuilder, SparkConnectClient, SparkError};
use spark_connect_proto as proto;

/// Who opens sessions, and so has to be who ends them: a server keeps others for an hour.
const USER: &str = "tests";

/// A session.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    client: SparkConnectClient,
}

impl Client {
    pub(crate) fn connect(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut builder = ChannelBuilder::parse(url).unwrap();
        builder.set("user_id", USER);
        let client = runtime.block_on(SparkConnectClient::connect(&builder)).unwrap();
        Self { runtime, client }
    }

    /// The rows of a statement, whose columns are texts or truth values.
    pub(crate) fn rows(&self, sql: &str) -> Result<Vec<Vec<String>>, String> {
        let sql = proto::Sql { query: sql.to_owned(), ..proto::Sql::default() };
        let relation = proto::Relation { common: None, rel_type: Some(proto::relation::RelType::Sql(sql)) };
        let request = proto::ExecutePlanRequest {
            session_id: self.client.session_id().to_owned(),
            user_context: Some(proto::UserContext { user_id: USER.to_owned(), ..proto::UserContext::default() }),
            plan: Some(proto::Plan { op_type: Some(proto::plan::OpType::Root(relation)) }),
            ..proto::ExecutePlanRequest::default()
        };
        let batches = self.runtime.block_on(async {
            let mut batches = Vec::new();
            let mut stream = self.client.execute_plan_reattachable(request).await?;
            while let Some(response) = stream.message().await? {
                if let Some(proto::execute_plan_response::ResponseType::ArrowBatch(batch)) = response.response_type {
                    batches.push(batch.data);
                }
            }
            Ok::<_, SparkError>(batches)
        });
        let mut rows = Vec::new();
        for data in batches.map_err(|error| error.message())? {
            for batch in arrow_ipc::reader::StreamReader::try_new(Cursor::new(data), None).unwrap() {
                let batch = batch.unwrap();
                let row = |at| batch.columns().iter().map(|column| text(column, at)).collect();
                rows.extend((0..batch.num_rows()).map(row));
            }
        }
        Ok(rows)
    }
}

fn text(column: &ArrayRef, at: usize) -> String {
    if column.is_null(at) {
        return "NULL".to_owned();
    }
    match column.as_string_opt::<i32>() {
        Some(texts) => texts.value(at).to_owned(),
        None => column.as_boolean_opt().map_or_else(|| "?".to_owned(), |flags| flags.value(at).to_string()),
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // a server that is gone forgets it as well
        let _ = self.runtime.block_on(self.client.release_session());
    }
}
