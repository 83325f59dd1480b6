//! A tree as bytes: every value tagged and framed by its length, places left out.
//!
//! Not `Display`, which prints different trees alike, and not JSON, which is slow and moves with every field that
//! sqlparser adds. Rules:
//! - a field is its name and its value; a field whose value is empty (`None`, `false`, no elements, a place) is left
//!   out, so that a field added upstream with its default moves no hash;
//! - an identifier is its text without quotes, in lower case, unless DuckDB takes a visible name or a value from it.

use std::fmt;

use serde::ser::{self, Serialize};

use super::keywords;

/// The bytes of a tree.
pub(super) fn encode<T: Serialize>(tree: &T) -> Result<Vec<u8>, Failure> {
    let mut encoder = Encoder { out: Vec::with_capacity(16 << 10), keep_case: false };
    tree.serialize(&mut encoder)?;
    Ok(encoder.out)
}

/// Appends bytes with their length in front.
pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u64).to_le_bytes());
    out.extend(bytes);
}

/// sqlparser's own serialisation failed; it never does.
#[derive(Debug)]
pub(super) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl ser::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

type Done = Result<(), Failure>;

/// Where identifiers name output columns or struct fields, or end up in rows, their letter case counts.
fn keeps_case(name: &str, variant: &str, field: &str) -> bool {
    matches!(
        (name, variant, field),
        ("SelectItem", "ExprWithAlias", "alias")
            | ("SelectItem", "UnnamedExpr", _)
            | ("TableAlias" | "TableAliasColumnDef", ..)
            | ("FunctionArg", "Named" | "ExprNamed", "name")
            | ("DictionaryField" | "MapEntry" | "StructField", ..)
            | ("Expr", "Named", "name")
            | ("ReplaceSelectElement", _, "column_name")
            | ("IdentWithAlias", _, "alias")
            | ("Expr", "Cast", "data_type")
            | ("TypedString" | "AccessExpr", ..)
            | ("TableFactor", "Pivot" | "Unpivot" | "UnpivotExpr", _)
    )
}

struct Encoder {
    out: Vec<u8>,
    keep_case: bool,
}

impl Encoder {
    fn tagged(&mut self, tag: u8, text: &str) {
        self.out.push(tag);
        put(&mut self.out, text.as_bytes());
    }

    fn compound(&mut self, name: &'static str, variant: &'static str) -> Compound<'_> {
        let kept = self.keep_case;
        Compound { encoder: self, name, variant, kept, elements: 0, ident: Spelling::default() }
    }

    fn identifier(&mut self, spelling: &Spelling) {
        let name = &spelling.value;
        // A name in single quotes is a file; so may one in double quotes be that looks like a path or a pattern.
        let file = spelling.quote == Some(b'\'') || name.contains(['.', '/', '\\', ':', '*', '?', '[']);
        // "user" may be a column where user is the function.
        let bare = spelling.quote.is_none() && keywords::is_bare_function(name);
        let tag = if file {
            b'f'
        } else if bare {
            b'u'
        } else {
            b'i'
        };
        if self.keep_case || file {
            self.tagged(tag, name);
        } else {
            self.tagged(tag, &name.to_ascii_lowercase());
        }
    }
}

/// What is read of an identifier's fields.
#[derive(Default)]
struct Spelling {
    value: String,
    quote: Option<u8>,
}

/// A sequence, struct or variant being written.
struct Compound<'a> {
    encoder: &'a mut Encoder,
    name: &'static str,
    variant: &'static str,
    kept: bool,
    elements: usize,
    ident: Spelling,
}

impl Compound<'_> {
    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.elements += 1;
        self.encoder.out.push(b',');
        value.serialize(&mut *self.encoder)
    }

    fn close_sequence(self) -> Done {
        if self.elements > 0 {
            self.encoder.out.push(b']');
        }
        Ok(())
    }

    fn field<T: ?Sized + Serialize>(&mut self, field: &'static str, value: &T) -> Done {
        // AS or no AS; and where it stood.
        if matches!((self.name, field), (_, "span") | ("TableAlias", "explicit")) {
            return Ok(());
        }
        if self.name == "Ident" {
            return self.ident_field(field, value);
        }
        let encoder = &mut *self.encoder;
        let start = encoder.out.len();
        put(&mut encoder.out, field.as_bytes());
        let body = encoder.out.len();
        encoder.keep_case = self.kept || keeps_case(self.name, self.variant, field);
        let done = value.serialize(&mut *encoder);
        encoder.keep_case = self.kept;
        if encoder.out.len() == body {
            encoder.out.truncate(start);
        }
        done
    }

    /// Gathers an identifier's text and quote; it is written when it is complete.
    fn ident_field<T: ?Sized + Serialize>(&mut self, field: &'static str, value: &T) -> Done {
        let start = self.encoder.out.len();
        value.serialize(&mut *self.encoder)?;
        let written = self.encoder.out.split_off(start);
        match field {
            // Behind the tag and the length.
            "value" => self.ident.value = String::from_utf8_lossy(written.get(9..).unwrap_or(&[])).into_owned(),
            "quote_style" => self.ident.quote = written.last().copied(),
            _ => {}
        }
        Ok(())
    }

    fn close_struct(self) -> Done {
        match self.name {
            "Ident" => self.encoder.identifier(&self.ident),
            "Span" => {}
            _ => self.encoder.out.push(b'}'),
        }
        Ok(())
    }
}

/// Numbers and characters, by their text.
macro_rules! by_text {
    ($($method:ident $type:ty),* $(,)?) => {
        $(fn $method(self, value: $type) -> Done {
            self.tagged(b'#', &value.to_string());
            Ok(())
        })*
    };
}

impl<'a> ser::Serializer for &'a mut Encoder {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Compound<'a>;
    type SerializeTuple = Compound<'a>;
    type SerializeTupleStruct = Compound<'a>;
    type SerializeTupleVariant = Compound<'a>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Compound<'a>;

    by_text!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_u8 u8, serialize_u16 u16,
        serialize_u32 u32, serialize_u64 u64, serialize_f32 f32, serialize_f64 f64, serialize_char char,
    );

    fn serialize_bool(self, value: bool) -> Done {
        if value {
            self.out.push(b'T');
        }
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Done {
        self.tagged(b's', value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.out.push(b'b');
        put(&mut self.out, value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Done {
        self.out.push(b'S');
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Done {
        self.tagged(b'v', variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, name: &'static str, value: &T) -> Done {
        // A token kept for its place only.
        if name == "AttachedToken" { Ok(()) } else { value.serialize(self) }
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        self.tagged(b'V', variant);
        let kept = self.keep_case;
        self.keep_case = kept || keeps_case(name, variant, "");
        let done = value.serialize(&mut *self);
        self.keep_case = kept;
        done
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Compound<'a>, Failure> {
        Ok(self.compound("", ""))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Compound<'a>, Failure> {
        Ok(self.compound("", ""))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Compound<'a>, Failure> {
        Ok(self.compound("", ""))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'a>, Failure> {
        self.tagged(b'V', variant);
        Ok(self.compound(name, variant))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Compound<'a>, Failure> {
        Ok(self.compound("", ""))
    }

    fn serialize_struct(self, name: &'static str, _len: usize) -> Result<Compound<'a>, Failure> {
        Ok(self.compound(name, ""))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _len: usize,
    ) -> Result<Compound<'a>, Failure> {
        self.tagged(b'V', variant);
        Ok(self.compound(name, variant))
    }
}

/// The serde traits of things with elements, all alike.
macro_rules! sequences {
    ($($trait:ident $method:ident),* $(,)?) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
                self.element(value)
            }

            fn end(self) -> Done {
                self.close_sequence()
            }
        })*
    };
}

sequences!(
    SerializeSeq serialize_element, SerializeTuple serialize_element, SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
);

/// The serde traits of things with named fields.
macro_rules! structs {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Compound<'_> {
            type Ok = ();
            type Error = Failure;

            fn serialize_field<T: ?Sized + Serialize>(&mut self, field: &'static str, value: &T) -> Done {
                self.field(field, value)
            }

            fn end(self) -> Done {
                self.close_struct()
            }
        })*
    };
}

structs!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Done {
        self.element(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Done {
        self.element(value)
    }

    fn end(self) -> Done {
        self.close_sequence()
    }
}
