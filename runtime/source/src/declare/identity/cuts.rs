//! The parts of a blocking key: `surname`, `surname:sound`, `given_name:front(3)`, `date_of_birth:year`.
//!
//! Absent: keys themselves. Invariant: a part of a date is asked of a date alone.

use crate::code;
use crate::reader::Reader;
use std::ops::Range;
use xops_kernel::identity::{Comparator, Cut, Field, Part};

/// The most characters that are cut off.
const CUT_MAX: usize = 16;

/// Reads a part, or reports what is wrong with it.
pub(super) fn part(
    reader: &mut Reader<'_, '_>,
    fields: &[Field],
    text: &str,
    span: &Range<usize>,
) -> Option<Part> {
    let (name, cut) = text.split_once(':').map_or((text, None), |(name, cut)| (name, Some(cut)));
    let field = super::place(reader, fields, name, span)?;
    let Some(cut) = cut.map_or(Some(Cut::Whole), read) else {
        let message = format!("`{text}` is no part of a key");
        let finding = reader.error(code::CHOICE, span.clone(), message, "not understood");
        let help = "after the field stands nothing, `:front(3)`, `:back(4)`, `:sound`, `:bag`, `:year` or `:month_day`";
        reader.report(finding.help(help.to_owned()));
        return None;
    };
    if matches!(cut, Cut::Year | Cut::MonthDay) && fields[field].compare != Comparator::Date {
        let message = format!("`{name}` is no date");
        let finding = reader.error(code::CHOICE, span.clone(), message, "asked for a part of a date");
        reader
            .report(finding.help("write `compare = \"date\"` in the field, or another part here".to_owned()));
    }
    Some(Part { field, cut })
}

fn read(cut: &str) -> Option<Cut> {
    let number = |name: &str| {
        let inner = cut.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
        inner.parse::<usize>().ok().filter(|count| (1..=CUT_MAX).contains(count))
    };
    match cut {
        "sound" => Some(Cut::Sound),
        "bag" => Some(Cut::Bag),
        "year" => Some(Cut::Year),
        "month_day" => Some(Cut::MonthDay),
        _ => number("front").map(Cut::Front).or_else(|| number("back").map(Cut::Back)),
    }
}
