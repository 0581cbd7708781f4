outcome "x" {
  entity = "person"
  for    = person.country == "MX"
  identity { groups = [group.staf, group.guests, group.guests.sise] }
}
