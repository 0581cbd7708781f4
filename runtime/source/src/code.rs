//! The codes of findings. Each has a page under `docs/errors/` and a golden of its rendering under `tests/broken/`.
//!
//! Invariants: a code is never given to another mistake; a code that is no longer used stays in the table.

/// Declares each code as a constant and all of them as a table.
macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*
        /// Every code of this crate with its title, in order.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

codes! {
    SYNTAX = "XS0001", "the file does not follow the syntax";
    TOO_LARGE = "XS0002", "the file is too large";
    NOT_UTF8 = "XS0003", "the file is not UTF-8";
    CONTROL = "XS0004", "the file has control characters";
    TOO_DEEP = "XS0005", "something is nested too deeply";
    TEMPLATE = "XS0006", "a text has an interpolation or a directive";
    LOOP = "XS0007", "an expression has a loop";
    UNKNOWN_FUNCTION = "XS0008", "a function does not exist";
    ARGUMENTS = "XS0009", "a function has too few or too many arguments";
    NUMBER = "XS0010", "a number is not a 64-bit integer";
    UNSUPPORTED = "XS0011", "an operator or a form of expression is not supported";
    TWICE = "XS0012", "an attribute or a member is written twice";

    UNKNOWN_BLOCK = "XS0101", "a block is not known here";
    UNKNOWN_WORD = "XS0102", "an attribute is not known here";
    MISSING = "XS0103", "something required is missing";
    WRONG_VALUE = "XS0104", "a value is of the wrong type";
    LABELS = "XS0105", "a block has too few or too many labels";
    ONCE = "XS0106", "a block that stands once stands twice";
    DURATION = "XS0107", "a duration is not understood";
    UNKNOWN_TYPE = "XS0108", "a type does not exist";
    CHOICE = "XS0109", "a word is not one of those that may stand there";
    RANGE = "XS0110", "a number is out of its range";
    REFERENCE = "XS0111", "a reference is expected, or one of another form";
    LITERAL = "XS0112", "a literal value is expected";

    DUPLICATE = "XS0201", "two declarations have one name";
    UNKNOWN_SYSTEM = "XS0202", "a system is not declared";
    UNKNOWN_DOMAIN = "XS0203", "a domain does not exist";
    UNKNOWN_MANIFEST = "XS0204", "a manifest does not exist";
    UNKNOWN_RECORD = "XS0205", "a kind of record or its attribute does not exist";
    UNKNOWN_ENTITY = "XS0206", "a kind of entity is not declared";
    UNKNOWN_ATTRIBUTE = "XS0207", "an attribute of an entity is not declared";
    UNKNOWN_OBJECT = "XS0208", "an object or its attribute is not declared";
    UNKNOWN_FACET = "XS0209", "a facet is not declared";
    UNKNOWN_SETTING = "XS0210", "a setting is not declared";
    UNKNOWN_LAYER = "XS0211", "a kind of layer does not exist";
    UNKNOWN_OUTCOME = "XS0212", "an outcome is not declared";
    UNKNOWN_RUNBOOK = "XS0213", "a runbook is not declared";
    UNKNOWN_VARIANT = "XS0214", "a variant is not declared";
    UNKNOWN_AWF = "XS0215", "an AWF does not exist";
    UNKNOWN_NODE = "XS0216", "a node is not declared in the variant";
    UNKNOWN_ROOT = "XS0217", "an expression refers to something unknown";
    UNKNOWN_LINK = "XS0218", "a link is not declared";
    NAME = "XS0219", "a name is badly formed or reserved";
    TENANT = "XS0220", "there is not exactly one tenant";
    UNKNOWN_RULES = "XS0221", "rules of identity are not declared";
    RULES_READ_NOTHING = "XS0222", "rules of identity read nothing of a kind of record";

    CONDITION = "XS0301", "a condition is not true or false";
    COMPARISON = "XS0302", "values of different types are compared or mixed";
    OPERAND = "XS0303", "an operator is applied to a wrong type";
    ARGUMENT_TYPE = "XS0304", "an argument of a function is of the wrong type";
    INPUT_TYPE = "XS0305", "an input of an AWF is of the wrong type";
    UNKNOWN_INPUT = "XS0306", "an AWF has no such input";
    MISSING_INPUT = "XS0307", "a required input of an AWF is not bound";
    UNKNOWN_OUTPUT = "XS0308", "an AWF has no such output";
    LAYER_TYPE = "XS0309", "a layer sets a value of the wrong type";
    MERGE_TYPE = "XS0310", "a merge rule does not fit the type";
    FACET_VALUE = "XS0311", "a value does not fit its facet";
    FACET_TYPES = "XS0312", "outcomes give one facet values of different types";
    CLAIM_TYPE = "XS0313", "an attribute has another type than its source";
    NO_MEMBERS = "XS0314", "something without members is asked for one";

    NO_UNDO = "XS0401", "an AWF changes something and has no compensation";
    IRREVERSIBLE = "XS0402", "an AWF cannot be undone";
    RUNBOOK_CYCLE = "XS0403", "the nodes of a runbook form a cycle";
    FACET_CYCLE = "XS0404", "facets form a cycle";
    TWO_ROUTES = "XS0405", "two routes lead to one change";
    NO_ROUTE = "XS0406", "no route creates a facet";
    OTHER_CHANGE = "XS0407", "a route's AWF achieves another change";
    OTHER_SYSTEM = "XS0408", "a route's AWF acts on another system";
    TWO_VALUES = "XS0409", "two outcomes give one facet two values";
    LOCKED = "XS0410", "a layer overrides a locked setting";
    NOT_LAYERED = "XS0411", "nothing chooses a layer of this kind";
    NO_STATE = "XS0412", "nothing provides this state";
    NO_PLACE = "XS0413", "a node changes a facet to which no route leads";
    NO_VARIANT = "XS0414", "no layer chooses a variant of a runbook";
    NEVER_SET = "XS0415", "a setting is used and never set";
    EMPTY = "XS0416", "a runbook, variant, outcome or schedule has nothing in it";
    SAME_AWF = "XS0417", "two nodes of a variant run one AWF";
    EXCLUSIVE = "XS0418", "a facet is exclusive, and nothing lists what is there";
    PRECEDENCE = "XS0419", "outcomes supersede each other";
    REFERS = "XS0420", "an attribute refers to what other systems know";

    ADDRESS = "XS0501", "a base address is not safe to call";
    SECRET = "XS0502", "a credential stands in the file";
    CRON = "XS0503", "a cron line is not understood";
}

/// The title of `code`, if it is one of this crate's.
pub fn title(code: &str) -> &'static str {
    ALL.iter().find(|(name, _)| *name == code).map_or("", |(_, title)| title)
}

/// The page of `code`, relative to the project's folder.
pub fn page(code: &str) -> String {
    format!("docs/errors/{code}.md")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_order() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
