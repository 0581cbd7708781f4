manifest "a" {
}
manifest "b" {
}
