# The declared end-states, and for whom. Matching outcomes add up; two different values for one facet are refused.

outcome "EMP-R-001" {
  title   = "Contractor onboarding"
  entity  = "person"
  for     = person.worker_type == "contingent" && person.status == "active"
  runbook = runbook.EMP-R-001

  workforce { contract_end = person.contract_end }
  identity {
    account = "present"
    groups  = [group.contractors]
  }
  devices { profile = [profile.contractor_baseline] }
  service { laptop = "ordered" }
  communications { channels = [channel.contractors] }
}
