# Whole sets, written at once under a lock.
manifest "set" {
  title   = "Whole sets, written at once under a lock"
  extends = "vendor"

  lookup "member" {
    inputs = {
      id     = "text"
      member = "text"
    }
    get   = "/v1/sets/{id}"
    query = { cursor = page.cursor }
    items = response.body.items
    where = item.value == input.member
    page "cursor" { next = response.body.next }
    value         = item.value
    gather        = { members = item.value }
    authoritative = true
  }

  awf "add" {
    achieves = "create"
    inputs = {
      id = "text"
      member = "text"
    }
    locks    = ["{id}"]
    put = "/v1/sets/{id}"
    json = {
      members = with(snapshot.members, input.member)
    }
    lookup "member" {}
    ambiguous "probe" { window = "6s" }
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    undo "drop" {
      with = {
        id = input.id
        member = input.member
      }
    }
  }

  awf "drop" {
    achieves = "remove"
    inputs = {
      id = "text"
      member = "text"
    }
    locks    = ["{id}"]
    put = "/v1/sets/{id}"
    json = {
      members = without(snapshot.members, input.member)
    }
    lookup "member" {}
    ambiguous "probe" { window = "6s" }
    readback {
      within = "8s"
      settle = 2
      every  = "400ms"
    }
    nothing_to_undo = "it is itself a way back"
  }
}
