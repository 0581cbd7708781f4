outcome "x" {
  entity = "person"
  for    = person.knd == "guest" && person.worker_type == "x"
  identity { groups = [group.staff] }
}
entity "device" {
  mint   = idp.user
  handle = "seriel"
  attribute "serial" {
    type = "text"
    from = idp.user.id
  }
  link "hr" {
    kind   = "worker"
    record = "email"
    entity = "owner"
  }
}
