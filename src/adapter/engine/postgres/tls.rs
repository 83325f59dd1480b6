//! Encrypted connections: `sslmode` of the url says whether there have to be any (`prefer` if it says nothing), and the
//! machine's own certificates whom they trust.

use std::sync::OnceLock;

use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What makes connections.
pub(super) fn connector() -> MakeRustlsConnect {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    MakeRustlsConnect::new(CONFIG.get_or_init(config).clone())
}

fn config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    // a certificate of the machine's that can't be read is trusted by nobody
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
}
