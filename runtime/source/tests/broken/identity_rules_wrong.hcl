identity "person" {
  same   = 400
  review = 900

  field "given" {
    columns   = ["given_name"]
    normalise = ["fold", "lower"]
    compare   = "nmae"
    crosses   = "surnam"
  }
  field "surname" {
    columns  = ["surname", []]
    compare  = "name"
    synonyms = [["smith"]]
    weights  = { exact = 900, nearly = 300 }
  }
  block { keys = ["surname:start(3)", "surname:year", "given"] }
  veto "nobody" { differs = ["email"] }
  decision "maybe" {
    left  = "hr:1"
    right = "idp:1"
    until = "tomorrow"
  }
}
