setting "sizes" {
  type  = "list(int)"
  merge = "union"
}
layer "department" "Design" {
  set {
    color    = 7
    sizes    = ["large"]
    parallel = "two"
  }
}
