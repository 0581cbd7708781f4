setting "motd" {
  type  = "text"
  merge = "union"
}
setting "limit" {
  type  = "text"
  merge = "min"
}
