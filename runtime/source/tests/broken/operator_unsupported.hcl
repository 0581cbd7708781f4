outcome "x" {
  entity = "person"
  for    = person.level * 2 > 4 && -person.level < 3
  identity { account = "present" }
}
