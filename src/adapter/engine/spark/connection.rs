//! A session of a Spark Connect server: statements out, rows in as text.

use std::cell::RefCell;
use std::io::Cursor;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use spark_connect_core::{ChannelBuilder, RetryPolicy, SparkConnectClient, SparkError};
use spark_connect_proto as proto;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use super::error;
use crate::adapter::engine::{BuildError, Interrupt, Location, OpenError, WarehouseError};
use crate::domain::config::EnvText;
use crate::domain::sql::in_backticks;

/// What a session is told before anything else. A view keeps what was set when it was made.
const SETTINGS: [(&str, &str); 4] = [
    // a cast that can't be is an error
    ("spark.sql.ansi.enabled", "true"),
    // texts are what they are
    ("spark.sql.variable.substitute", "false"),
    // a name is no path
    ("spark.sql.runSQLOnFiles", "false"),
    ("spark.sql.legacy.createHiveTableByDefault", "false"),
];

/// How an unreachable server is tried again: for three seconds.
fn retries() -> RetryPolicy {
    RetryPolicy { max_retries: Some(4), initial_backoff_ms: 200, max_backoff_ms: Some(2000), ..RetryPolicy::default() }
}

/// The session of one client.
pub(super) struct Connection {
    runtime: Runtime,
    client: SparkConnectClient,
    user: proto::UserContext,
    seconds: RefCell<u64>,
    /// The server's own name for the session: one that was started anew has another, and knows none of its settings.
    observed: RefCell<Option<String>>,
    interrupt: Interrupt,
    place: String,
}

impl Connection {
    /// A session on the terms of a location.
    pub(super) fn open(location: &Location) -> Result<Self, WarehouseError> {
        let connection = Self::new(location)?;
        let (url, session) = (address(location)?, connection.session().to_owned());
        location.interrupt.watch(move || {
            // what can't be reached any more has nothing to be interrupted
            let _ = interrupt(&url, &session, None);
        });
        let zone = ("spark.sql.session.timeZone", location.access.opening.timezone.as_str());
        let doing = "opening the warehouse";
        connection.set(doing, SETTINGS.into_iter().chain([zone]))?;
        connection.reads_alike(doing)?;
        Ok(connection)
    }

    /// Refuses a server that divides a text into other words than the gate does.
    fn reads_alike(&self, doing: &str) -> Result<(), WarehouseError> {
        let rows = self.rows(doing, "SELECT CAST(length('a''b') AS STRING) AS length")?;
        match rows.concat().first().and_then(Option::as_deref) {
            Some("3") => Ok(()),
            _ => Err(BuildError::Unfit {
                what: "this server takes 'a''b' for two texts, as Spark did before 4.0, and others that speak its protocol do"
                    .to_owned(),
                help: "vmesh needs Apache Spark 4.0 or newer: what models may do is decided by their words",
            }
            .into()),
        }
    }

    /// Changes settings of the session, all at once.
    fn set<'s>(&self, doing: &str, settings: impl Iterator<Item = (&'s str, &'s str)>) -> Result<(), WarehouseError> {
        use proto::config_request::operation::OpType;
        let pair = |(key, value): (&str, &str)| proto::KeyValue { key: key.to_owned(), value: Some(value.to_owned()) };
        let set = proto::config_request::Set { pairs: settings.map(pair).collect(), ..Default::default() };
        let request = proto::ConfigRequest {
            session_id: self.session().to_owned(),
            user_context: Some(self.user.clone()),
            operation: Some(proto::config_request::Operation { op_type: Some(OpType::Set(set)) }),
            client_type: Some("vmesh".to_owned()),
            ..proto::ConfigRequest::default()
        };
        let set = self.runtime.block_on(self.client.config(request));
        set.map(|_| ()).map_err(|failed| self.sorted(doing, "", &failed))
    }

    fn new(location: &Location) -> Result<Self, WarehouseError> {
        let url = address(location)?;
        let cannot =
            |message: String| OpenError::Unreachable { place: place(location), message: error::said(&message) };
        // a thread of its own answers the server while nothing is asked: it would end the connection otherwise
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| cannot(error.to_string()))?;
        let client = runtime.block_on(client(&url, None)).map_err(|error| cannot(error.message()))?;
        let user_id = client.user_id().unwrap_or_default().to_owned();
        let user = proto::UserContext { user_name: user_id.clone(), user_id, ..proto::UserContext::default() };
        let (interrupt, place) = (location.interrupt.clone(), place(location));
        Ok(Self { runtime, client, user, seconds: RefCell::new(0), observed: RefCell::default(), interrupt, place })
    }

    /// The session's id.
    pub(super) fn session(&self) -> &str {
        self.client.session_id()
    }

    /// From now on, a statement may take so many seconds; 0: any.
    pub(super) fn limit(&self, seconds: u64) {
        *self.seconds.borrow_mut() = seconds;
    }

    /// Runs one statement whose rows nobody wants.
    pub(super) fn run(&self, doing: &str, sql: &str) -> Result<(), WarehouseError> {
        self.run_as(doing, sql, &operation())
    }

    /// The same, as an operation of this id.
    pub(super) fn run_as(&self, doing: &str, sql: &str, operation: &str) -> Result<(), WarehouseError> {
        let command = proto::SqlCommand { input: Some(relation(sql)), ..proto::SqlCommand::default() };
        let command = proto::Command { command_type: Some(proto::command::CommandType::SqlCommand(command)) };
        let plan = proto::plan::OpType::Command(command);
        self.execute(doing, sql, plan, operation).map(|_| ())
    }

    /// The rows of one query, or of a statement that tells something.
    pub(super) fn rows(&self, doing: &str, sql: &str) -> Result<Vec<Vec<Option<String>>>, WarehouseError> {
        let responses = self.execute(doing, sql, proto::plan::OpType::Root(relation(sql)), &operation())?;
        let mut rows = Vec::new();
        for response in responses {
            if let Some(proto::execute_plan_response::ResponseType::ArrowBatch(batch)) = response.response_type {
                let unread =
                    |why: String| WarehouseError::Engine { doing: doing.to_owned(), message: error::said(&why) };
                let reader =
                    StreamReader::try_new(Cursor::new(batch.data), None).map_err(|it| unread(it.to_string()))?;
                for batch in reader {
                    rows.extend(texts(&batch.map_err(|it| unread(it.to_string()))?));
                }
            }
        }
        Ok(rows)
    }

    fn execute(
        &self,
        doing: &str,
        sql: &str,
        plan: proto::plan::OpType,
        operation: &str,
    ) -> Result<Vec<proto::ExecutePlanResponse>, WarehouseError> {
        if self.interrupt.is_requested() {
            return Err(WarehouseError::Interrupted);
        }
        let request = proto::ExecutePlanRequest {
            session_id: self.session().to_owned(),
            user_context: Some(self.user.clone()),
            plan: Some(proto::Plan { op_type: Some(plan) }),
            client_observed_server_side_session_id: self.observed.borrow().clone(),
            operation_id: Some(operation.to_owned()),
            client_type: Some("vmesh".to_owned()),
            tags: vec!["vmesh".to_owned()],
            ..proto::ExecutePlanRequest::default()
        };
        let seconds = *self.seconds.borrow();
        let answered = async {
            let mut stream = self.client.execute_plan_reattachable(request).await?;
            let mut responses = Vec::new();
            while let Some(response) = stream.message().await? {
                responses.push(response);
            }
            Ok::<_, SparkError>(responses)
        };
        let answered = self.runtime.block_on(async {
            if seconds == 0 {
                return Some(answered.await);
            }
            let answered = tokio::time::timeout(Duration::from_secs(seconds), answered).await.ok();
            if answered.is_none() {
                // it is over for us, whether it can be stopped there or not
                let _ = self.client.interrupt_operation(operation).await;
            }
            answered
        });
        match answered {
            None => Err(WarehouseError::TooLong { seconds }),
            Some(Ok(responses)) => {
                let of_server = responses.first().map(|response| response.server_side_session_id.clone());
                *self.observed.borrow_mut() = of_server.filter(|name| !name.is_empty());
                Ok(responses)
            }
            Some(Err(_)) if self.interrupt.is_requested() => Err(WarehouseError::Interrupted),
            Some(Err(failed)) => Err(self.sorted(doing, sql, &failed)),
        }
    }

    /// An error, by what can be done about it.
    fn sorted(&self, doing: &str, sql: &str, failed: &SparkError) -> WarehouseError {
        let of_class = failed.get_condition().is_some() && failed.grpc_code() != Some(UNAVAILABLE);
        if !of_class && matches!(failed.grpc_code(), Some(UNAVAILABLE | UNAUTHENTICATED)) || is_cut_off(failed) {
            let message = error::said(&format!("the server can't be reached: {}", failed.message()));
            return OpenError::Unreachable { place: self.place.clone(), message }.into();
        }
        // the server's words have the names and the place; those of the client's own table of errors do not
        let words = if failed.message.is_empty() { failed.message() } else { failed.message.clone() };
        WarehouseError::Engine { doing: doing.to_owned(), message: error::message(&words, sql) }
    }
}

impl Drop for Connection {
    /// Ends the session: the server would keep it for an hour.
    fn drop(&mut self) {
        let released = async { tokio::time::timeout(Duration::from_secs(1), self.client.release_session()).await };
        // a server that is gone forgets it as well
        let _ = self.runtime.block_on(released);
    }
}

/// gRPC's numbers for a server that is not there, and for one that doesn't know us.
const UNAVAILABLE: i32 = 14;
const UNAUTHENTICATED: i32 = 16;

/// Whether the connection broke while the server worked: it may have done what it was asked for.
fn is_cut_off(failed: &SparkError) -> bool {
    let words = failed.message();
    failed.get_condition().is_none() && (words.contains("h2 protocol error") || words.contains("transport error"))
}

/// Stops an operation of a session, or all of them.
pub(super) fn interrupt(url: &str, session: &str, operation: Option<&str>) -> Result<(), String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let client = client(url, Some(session)).await.map_err(|error| error.message())?;
        let stopped = match operation {
            Some(operation) => client.interrupt_operation(operation).await,
            None => client.interrupt_all().await,
        };
        stopped.map(|_| ()).map_err(|error| error.message())
    })
}

/// Where a location's server is, with the token that it asks for.
pub(super) fn address(location: &Location) -> Result<String, WarehouseError> {
    let cannot = |why: &str| OpenError::Unreachable { place: place(location), message: error::said(why) };
    let url = match &location.server {
        Some(url) => url.as_ref().map_err(|why| cannot(why))?,
        None => return Err(cannot("no url in [engine]").into()),
    };
    Ok(location.token.added_to(url).map_err(|why| cannot(&why))?)
}

/// A server in words: what stands behind its name may be a token.
fn place(location: &Location) -> String {
    let url = location.server.as_ref().and_then(|url| url.as_ref().ok());
    let url = url.map(|url| url.split("/;").next().unwrap_or_default());
    match (url, &location.access.opening.server) {
        (Some(url), _) => format!("Spark at {url}"),
        (None, said) => format!("Spark at {}", said.as_ref().map(EnvText::told).unwrap_or_default()),
    }
}

async fn client(url: &str, session: Option<&str>) -> Result<SparkConnectClient, SparkError> {
    let mut builder = ChannelBuilder::parse(url)?;
    if builder.get("user_agent").is_none() {
        builder.set("user_agent", "vmesh");
    }
    if builder.user_id().is_none() {
        builder.set("user_id", "vmesh");
    }
    if let Some(session) = session {
        builder.set("session_id", session);
    }
    let mut client = SparkConnectClient::connect(&builder).await?;
    client.set_retry_policy(retries());
    Ok(client)
}

/// A new operation's id.
pub(super) fn operation() -> String {
    Uuid::new_v4().to_string()
}

fn relation(sql: &str) -> proto::Relation {
    let sql = proto::Sql { query: in_backticks(sql), ..proto::Sql::default() };
    proto::Relation { common: None, rel_type: Some(proto::relation::RelType::Sql(sql)) }
}

/// The rows of a batch, whose columns are texts, truth values or whole numbers.
fn texts(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
    let row = |at: usize| batch.columns().iter().map(|column| text(column, at)).collect();
    (0..batch.num_rows()).map(row).collect()
}

fn text(column: &ArrayRef, at: usize) -> Option<String> {
    if column.is_null(at) {
        return None;
    }
    let utf8 = column.as_string_opt::<i32>().map(|texts| texts.value(at).to_owned());
    let utf8 = utf8.or_else(|| column.as_string_opt::<i64>().map(|texts| texts.value(at).to_owned()));
    let utf8 = utf8.or_else(|| column.as_string_view_opt().map(|texts| texts.value(at).to_owned()));
    utf8.or_else(|| column.as_boolean_opt().map(|flags| flags.value(at).to_string()))
}
