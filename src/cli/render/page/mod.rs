//! The page: one HTML file that needs nothing but itself. Its data lie in it compressed, as a document of `data`.

pub(in crate::cli) mod data;

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const SHELL: &str = include_str!("shell.html");
const STYLE: &str = include_str!("page.css");
/// In the order in which they build on each other.
const SCRIPTS: [&str; 11] = [
    include_str!("dom.js"),
    include_str!("data.js"),
    include_str!("commits.js"),
    include_str!("matrix.js"),
    include_str!("layout.js"),
    include_str!("graph.js"),
    include_str!("differences.js"),
    include_str!("panel.js"),
    include_str!("merges.js"),
    include_str!("main.js"),
    include_str!("news.js"),
];

/// The page that shows these data.
pub(in crate::cli) fn html(data: &Value) -> String {
    // base64 has no character that ends a script or a tag, whatever names and texts are in it
    let packed = STANDARD.encode(packed(data.to_string().as_bytes()));
    let title = escape(&format!("{} · vmesh", data["project"].as_str().unwrap_or_default()));
    let parts = [("{{title}}", title.as_str()), ("{{style}}", STYLE), ("{{data}}", &packed)];
    let shell = parts.into_iter().fold(SHELL.to_owned(), |page, (place, text)| page.replacen(place, text, 1));
    shell.replacen("{{script}}", &SCRIPTS.concat(), 1)
}

/// A page for what can't be shown: it is asked for again when something moves.
pub(in crate::cli) fn sorry(problem: &str) -> String {
    let news = include_str!("news.js");
    let problem = escape(problem);
    format!(
        "<!doctype html><meta charset=\"utf-8\"><title>vmesh</title><meta name=\"color-scheme\" content=\"light dark\">\
         <pre>{problem}</pre><script>{news}</script>\n"
    )
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // writing to memory has no errors
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// Text of HTML.
pub(in crate::cli::render) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
