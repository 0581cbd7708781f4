outcome "x" {
  entity = "person"
  for    = person.kind
  identity { groups = [group.staff] }
}
