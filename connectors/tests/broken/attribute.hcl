# in base
  read "seats" {
# becomes
  read "owners" {
    kind  = "seat"
    get   = "/owners"
    items = response.body.owners
    id    = item.id
    int { user = item.user }
  }

  read "seats" {
