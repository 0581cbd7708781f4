setting "vpn" {
  type  = "bool"
  merge = "lock"
}
layer "tenant" {
  set { vpn = true }
}
layer "department" "Design" {
  set { vpn = false }
}
