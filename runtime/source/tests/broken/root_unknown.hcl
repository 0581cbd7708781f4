outcome "x" {
  entity = "person"
  for    = persn.kind == "guest" && device.kind == "x" && link.idp.id == "3"
  identity { groups = [group.staff] }
}
trigger "hr" "left" {
  entity = "person"
  find { handle = evnt.handle }
}
