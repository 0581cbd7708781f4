# in base
  read "seats" {
# becomes
  read "seats" {
    kind  = "seat"
    get   = "/seats"
    items = response.body.seats
    id    = item.id
  }

  read "seats" {
