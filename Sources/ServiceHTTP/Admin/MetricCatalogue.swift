import Observability

/// What each metric of the libraries means, as `# HELP` shows it.
///
/// Libraries count through swift-metrics, which has no place for an explanation. A test finds
/// every name in the sources and expects it here.
enum MetricCatalogue {
    static func describe(in registry: PrometheusRegistry) {
        for (name, help) in help { registry.describe(name, help) }
    }

    static let help = [
        "gateway_cache_total": "What the cache did for requests, by route and outcome.",
        "gateway_coherence_suspended": "1 while nothing is answered from memory, else 0.",
        "gateway_invalidation_delay_seconds": "Time from an event to its invalidation here.",
        "gateway_invalidations_total": "Invalidations, by the event that caused them.",
        "gateway_invalidations_unreadable_total": "Messages of events that could not be read.",
        "gateway_l1_bytes": "Bytes of answers that are kept in memory.",
        "gateway_l1_entries": "Answers that are kept in memory.",
        "gateway_l2_errors_total": "Failed calls of the cache in Redis.",
        "gateway_l2_over_budget_total": "Calls left out, as the cache in Redis takes too long.",
        "gateway_request_duration_seconds": "Time from a request's head to its answer, by route.",
        "gateway_requests_total": "Requests answered, by route, method and status.",
        "gateway_upstream_duration_seconds": "Time of calls with all their tries, by upstream.",
        "http_server_request_duration_seconds":
            "Time from a request's head to its answer, by service, route and status.",
        "redis_command_duration_seconds": "Time from the call of a command to its reply.",
        "redis_commands_total": "Commands, by name and result.",
        "redis_connections": "Connections to Redis that are open.",
        "redis_reconnects_total": "Connections to Redis that were lost and made again.",
        "saga_blocked":
            "Sagas that make no progress now, by state: owes is tried again until it is done, "
            + "asks waits for a person, letter has a dead letter.",
        "saga_blocked_oldest_seconds": "For how long the oldest of them has been blocked.",
        "saga_blocked_total": "Times that a saga made no progress and was shown as blocked.",
        "saga_paused": "1 while a person has a service read nothing.",
        "saga_reconciliation_age_seconds":
            "How long ago the books of a company were last compared with the ledgers.",
        "saga_reconciled_total":
            "What was done about what companies hold and no ledger knows, by outcome.",
        "saga_unclaimed":
            "What books and ledgers disagree about, and a person has to look at, by step.",
        "saga_company_breaker":
            "2 while a company outside counts as down, 1 while one call tries it, else 0.",
        "saga_company_waiting": "Calls of a company outside that wait for its rate.",
        "saga_dead_letters_total": "Events that were put aside, by service and code.",
        "saga_deaf_handlers":
            "Handlers that go on although they were cancelled; others have their slots.",
        "saga_deaf_handlers_total":
            "Times that a handler went on for ten seconds after it was cancelled.",
        "saga_events_total": "Events consumed, by service, type and result.",
        "saga_forgotten_groups": "Groups that keep what is older than retention, by service.",
        "saga_open": "Sagas with a deadline that a service has begun and that have not ended.",
        "saga_overload_refusals_total":
            "Times that a saga could not have met its deadline, and was not to begin, by service.",
        "saga_publish_refusals_total": "Doorbells that Redis refused to ring, by service.",
        "saga_redis_retries_total": "Calls of Redis that were made again, by service.",
        "saga_step_duration_seconds": "Time of a step's work, by service and step.",
        "saga_stream_lag": "Entries of a stream that the service has not read.",
        "saga_transitions_total": "Transitions, by service and result.",
    ]
}
