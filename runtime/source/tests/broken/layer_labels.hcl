layer "global" "all" {
}
layer "department" {
}
