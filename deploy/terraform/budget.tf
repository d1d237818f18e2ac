resource "google_monitoring_notification_channel" "email" {
  for_each     = var.alert_emails
  display_name = each.value
  type         = "email"

  labels = {
    email_address = each.value
  }
}

# A budget knows projects by number.
data "google_project" "this" {
  project_id = var.project
}

resource "google_billing_budget" "month" {
  count           = var.billing_account == "" ? 0 : 1
  billing_account = var.billing_account
  display_name    = "Payments, a month"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(var.budget_units)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]

    content {
      threshold_percent = threshold_rules.value
    }
  }

  # Without an address Google tells the billing account's own people.
  dynamic "all_updates_rule" {
    for_each = length(var.alert_emails) == 0 ? [] : [1]

    content {
      monitoring_notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
    }
  }
}

resource "google_logging_metric" "failed_jobs" {
  name        = "payments_failed_jobs"
  description = "Jobs of the payments service accounts that BigQuery refused or stopped."

  filter = join(" AND ", [
    "protoPayload.serviceName=\"bigquery.googleapis.com\"",
    "severity>=ERROR",
    "protoPayload.authenticationInfo.principalEmail=~\"^payments-\"",
  ])

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }
}

resource "google_monitoring_alert_policy" "failed_jobs" {
  display_name          = "Payments: jobs fail at BigQuery"
  combiner              = "OR"
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  conditions {
    display_name = "more than 5 in 10 minutes"

    condition_threshold {
      filter          = "resource.type=\"bigquery_resource\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.failed_jobs.name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 5
      duration        = "0s"

      aggregations {
        alignment_period   = "600s"
        per_series_aligner = "ALIGN_SUM"
      }
    }
  }
}
