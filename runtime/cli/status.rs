//! xops status.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub async fn run(_common: &Common) -> Outcome { Ok(Exit::Done) }
