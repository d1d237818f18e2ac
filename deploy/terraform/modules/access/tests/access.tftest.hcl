run "without_managed_kafka_nobody_has_a_role_of_it" {
  command = plan

  assert {
    condition     = alltrue([for grant in output.grants : !startswith(grant.role, "roles/managedkafka.")])
    error_message = "A cluster elsewhere needs no role of Managed Kafka."
  }
}

run "no_primitive_role" {
  command = plan

  variables {
    managed_kafka = true
  }

  assert {
    condition = alltrue([
      for grant in output.grants : !contains(["roles/owner", "roles/editor", "roles/viewer"], grant.role)
    ])
    error_message = "Primitive roles reach the whole project."
  }
}

run "the_simulator_sees_no_data" {
  command = plan

  variables {
    managed_kafka = true
  }

  assert {
    condition     = toset([for grant in output.grants : grant.role if grant.who == "simulator"]) == toset(["roles/managedkafka.client"])
    error_message = "The simulator only writes to the topic."
  }
}

run "analysts_read_marts_only_and_masked" {
  command = plan

  assert {
    condition     = alltrue([for grant in output.grants : contains(["project", "marts", "policy_tags"], grant.on) if grant.who == "analysts"])
    error_message = "Analysts have no role on the dataset or a bucket."
  }
}

run "the_dashboard_only_reads_and_masked" {
  command = plan

  assert {
    condition = alltrue([
      for grant in output.grants : contains([
        "roles/bigquery.jobUser", "roles/bigquery.dataViewer", "roles/bigquery.resourceViewer",
        "roles/bigquerydatapolicy.maskedReader"
      ], grant.role) if grant.who == "dashboard"
    ])
    error_message = "The dashboard has no role that writes, and none that shows a person's columns."
  }
}
