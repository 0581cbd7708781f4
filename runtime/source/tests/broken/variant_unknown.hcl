layer "department" "Design" {
  variant { welcome = "v2" }
}
