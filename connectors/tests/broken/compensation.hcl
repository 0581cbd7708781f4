# in base
    undo "revoke" {
# becomes
    undo "revoek" {
