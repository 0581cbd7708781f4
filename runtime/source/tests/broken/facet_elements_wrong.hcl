outcome "x" {
  entity = "person"
  for    = person.country == "MX"
  identity { groups = [1, 2] }
}
