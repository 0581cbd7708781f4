# The story of a contractor who becomes an employee in the week in which they move: one end-state for each thing that can be said
# of a person, and no script.

object "group" "san_francisco" { id = "00g1contractorsus000" }
object "group" "mexico_city" { id = "00g1contractorsmx000" }

outcome "contractor" {
  entity = "person"
  for    = person.worker_type == "contingent" && person.status == "active"

  identity {
    account = "present"
    groups  = [group.contractors]
  }
  communications { channels = [channel.contractors] }
}

outcome "employee" {
  entity = "person"
  for    = person.worker_type == "employee" && person.status == "active"

  identity {
    account = "present"
    groups  = [group.engineering]
  }
  communications { channels = [channel.general] }
}

# Whoever works has a laptop, whatever the contract says.
outcome "equipment" {
  entity = "person"
  for    = person.status == "active"

  service { laptop = "ordered" }
}

outcome "site-san-francisco" {
  entity = "person"
  for    = person.location == "San Francisco"

  identity { groups = [group.san_francisco] }
}

outcome "site-mexico-city" {
  entity = "person"
  for    = person.location == "Mexico City"

  identity { groups = [group.mexico_city] }
}
