facet "communications" "channels" {
  system = "chat"
  set    = true
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = facet.idd
    user    = link.idp.id
    size    = facet.size
  }
}
outcome "x" {
  entity = "person"
  for    = true
  communications { channels = [group.staff, group.guests] }
}
