outcome "x" {
  entity = "person"
  for    = person.kind && person.active || !person.level == 3 || person.active < false
  identity { groups = [group.staff] }
}
