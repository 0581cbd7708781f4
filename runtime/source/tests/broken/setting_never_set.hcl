setting "motd" { type = "text" }
outcome "x" {
  entity = "person"
  for    = setting.motd == "party"
  identity { groups = [group.staff] }
}
