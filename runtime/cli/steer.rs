//! Steering.

use crate::arguments::*;
use crate::exit::{Exit, Outcome};
pub async fn pause(_c: &Common, _p: &Pause) -> Outcome { Ok(Exit::Done) }
pub async fn resume(_c: &Common, _p: &Resume) -> Outcome { Ok(Exit::Done) }
pub async fn release(_c: &Common, _p: &Release) -> Outcome { Ok(Exit::Done) }
pub async fn backstep(_c: &Common, _p: &Backstep) -> Outcome { Ok(Exit::Done) }
