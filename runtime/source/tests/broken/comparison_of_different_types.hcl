outcome "x" {
  entity = "person"
  for    = person.level == "3" || person.ends < "soon" || person.kind != true
  identity { groups = [group.staff] }
}
