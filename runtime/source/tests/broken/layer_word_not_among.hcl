layer "department" "Design" {
  set { on_reject = "backsteps" }
}
