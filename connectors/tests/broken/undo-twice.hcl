# in base
    undo "grant" {
# becomes
    irreversible = "it is"
    undo "grant" {
