//! Text in, declarations out, a caret under every mistake.
