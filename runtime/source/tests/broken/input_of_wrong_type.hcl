facet "communications" "channels" {
  system = "chat"
  set    = true
}
route "create" "communications" "channels" {
  awf = chat.invite
  with {
    channel = person.level
    user    = null
    size    = "large"
    tags    = [1, 2]
  }
}
route "update" "workforce" "ends" {
  awf = hr.set_end
  with {
    worker = person.handle
    date   = person.country
  }
}
