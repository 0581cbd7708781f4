outcome "x" {
  entity = "person"
  for    = contains(person.level, 3) || starts_with(person.active, "x")
  identity { groups = [group.staff] }
}
