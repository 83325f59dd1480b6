//! Text from bytes: the encodings that CSV files come in.

use std::borrow::Cow;

/// What the bytes 128 to 159 are in Windows' encoding for Western Europe; the others are those of Latin 1.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16,
    Utf16Le,
    Utf16Be,
    Latin1,
    Windows,
}

/// The encoding of a name as Python has them.
fn named(name: &str) -> Option<Encoding> {
    let name = name.to_ascii_lowercase().replace(['_', ' '], "-");
    Some(match name.as_str() {
        "utf-8" | "utf8" | "utf-8-sig" | "u8" | "ascii" | "us-ascii" => Encoding::Utf8,
        "utf-16" | "utf16" => Encoding::Utf16,
        "utf-16-le" | "utf-16le" => Encoding::Utf16Le,
        "utf-16-be" | "utf-16be" => Encoding::Utf16Be,
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => Encoding::Latin1,
        "cp1252" | "windows-1252" | "1252" => Encoding::Windows,
        _ => return None,
    })
}

/// Whether files in an encoding of this name can be read.
pub fn is_known(name: &str) -> bool {
    named(name).is_some()
}

/// The text of a file, without a byte order mark; UTF-8 where no encoding is given.
pub(super) fn decode<'b>(bytes: &'b [u8], name: Option<&str>) -> Result<Cow<'b, str>, String> {
    let encoding = name.map_or(Some(Encoding::Utf8), named).unwrap_or(Encoding::Utf8);
    match encoding {
        Encoding::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text))),
            Err(error) => {
                let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
                Err(format!("line {line} is not UTF-8: say what it is, such as csv_settings (encoding = 'latin-1')"))
            }
        },
        Encoding::Latin1 => Ok(bytes.iter().map(|byte| char::from(*byte)).collect::<String>().into()),
        Encoding::Windows => {
            let windows = |byte: &u8| {
                let high = usize::from(*byte).checked_sub(128).and_then(|at| WINDOWS.get(at));
                high.copied().unwrap_or(char::from(*byte))
            };
            Ok(bytes.iter().map(windows).collect::<String>().into())
        }
        Encoding::Utf16 => match bytes {
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            all => utf16(all, u16::from_le_bytes),
        },
        Encoding::Utf16Le => utf16(bytes, u16::from_le_bytes),
        Encoding::Utf16Be => utf16(bytes, u16::from_be_bytes),
    }
}

fn utf16<'b>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'b, str>, String> {
    let wrong = || "it is not UTF-16, as its settings say".to_owned();
    let units: Vec<u16> =
        bytes.chunks(2).map(|pair| pair.try_into().map(unit)).collect::<Result<_, _>>().map_err(|_| wrong())?;
    let text = String::from_utf16(&units).map_err(|_| wrong())?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text).into())
}
