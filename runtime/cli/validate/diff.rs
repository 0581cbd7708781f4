//! The difference of two texts as one unified hunk, as `patch` and reviewers read it.
//!
//! Absent: minimality. One hunk reaches from the first changed line to the last, with context; what is the same within it is
//! told as context by a longest common subsequence over that stretch.

/// Lines of context around a change.
const CONTEXT: usize = 3;
/// How many lines a stretch may have for its common lines to be looked for.
const STRETCH_MAX: usize = 2_000;

/// The diff of `file`; empty where nothing differs.
pub(crate) fn unified(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let least = old.len().min(new.len()) - head;
    let alike = old.iter().rev().zip(new.iter().rev()).take(least);
    let tail = alike.take_while(|(one, other)| one == other).count();
    let start = head.saturating_sub(CONTEXT);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let behind = tail.min(CONTEXT);
    let mut out = format!(
        "--- a/{file}\n+++ b/{file}\n@@ -{},{} +{},{} @@\n",
        start + 1,
        old_end + behind - start,
        start + 1,
        new_end + behind - start
    );
    let mut tell = |mark: char, line: &str| out.extend([mark.to_string().as_str(), line, "\n"]);
    old[start..head].iter().for_each(|line| tell(' ', line));
    for (mark, line) in stretch(&old[head..old_end], &new[head..new_end]) {
        tell(mark, line);
    }
    old[old_end..old_end + behind].iter().for_each(|line| tell(' ', line));
    out
}

/// The diff of a file that is not there yet.
pub(crate) fn added(file: &str, after: &str) -> String {
    let lines = after.lines().count();
    let head = format!("--- /dev/null\n+++ b/{file}\n@@ -0,0 +1,{lines} @@\n");
    after.lines().fold(head, |out, line| out + "+" + line + "\n")
}

fn stretch<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<(char, &'a str)> {
    if old.len() > STRETCH_MAX || new.len() > STRETCH_MAX {
        return old.iter().map(|line| ('-', *line)).chain(new.iter().map(|line| ('+', *line))).collect();
    }
    // common[i][j]: the longest common subsequence of old[i..] and new[j..].
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            out.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < old.len() && (j == new.len() || common[i + 1][j] >= common[i][j + 1]) {
            out.push(('-', old[i]));
            i += 1;
        } else {
            out.push(('+', new[j]));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, expect: &str) {
        assert_eq!(unified("f", before, after), expect);
    }

    #[test]
    fn one_hunk_holds_every_change_with_context() {
        check(
            "a\nb\nc\nd\ne\n",
            "a\nb\nX\nd\nY\ne\n",
            "--- a/f\n+++ b/f\n@@ -1,5 +1,6 @@\n a\n b\n-c\n+X\n d\n+Y\n e\n",
        );
        check(
            "1\n2\n3\n4\n5\n6\n",
            "1\n2\n3\n4\n5\n6\n7\n",
            "--- a/f\n+++ b/f\n@@ -4,3 +4,4 @@\n 4\n 5\n 6\n+7\n",
        );
        check("a\n", "a\n", "");
        assert_eq!(added("f", "a\nb\n"), "--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n");
        check("a\na\n", "a\n", "--- a/f\n+++ b/f\n@@ -1,2 +1,1 @@\n a\n-a\n");
    }
}
