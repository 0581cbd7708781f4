layer "department" "Design" {
  set { colour = "red" }
}
outcome "x" {
  entity = "person"
  for    = setting.colr == "blue"
  identity { groups = [group.staff] }
}
