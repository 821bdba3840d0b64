/// A copy of `deploy/gateway.yaml`, for a program far from its package; a test compares them.
enum BuiltInGatewayFile {
    // swift-format-ignore
    static let text = """
# What Troupe's gateway serves: the order system on one machine.
#
#   troupe check deploy/gateway.yaml     finds every fault, with line and column
#   troupe gateway                       serves it; `troupe up` does so too
#
# Durations are written 200ms, 5s, 1m, 2h; sizes 64KiB, 1MiB; shares 10%.
# Whatever is left out has the value shown here or explained beside it. Names at the top that begin
# with `x-` are your own, for anchors: `x-slow: &slow {timeout: 9s}`, then `<<: *slow`.

server:
  host: 127.0.0.1
  port: 3000
  event_loops: 0          # threads that serve; 0 takes one for each core
  connections: 10000      # more are closed as they come; fewer, if there are too few descriptors
  unsent: 256MiB          # answers kept for clients that do not take them; then most goes first
  send_buffer: 0          # what the system holds for each connection; 0 lets it decide
  limits:                 # answered 414, 431, 431, 431 and 413
    request_line: 8KiB
    header_field: 8KiB
    header_list: 32KiB
    header_count: 100
    body: 1MiB
  timeouts:
    header: 10s           # from a request's first byte; then 408
    body: 30s             # from the end of its head; then 408
    idle: 60s             # between requests; then the connection is closed
    write: 30s            # for a client to take some of its answer
    drain: 3s             # for answers under way when the gateway stops
  access_log:
    enabled: true
    hits: 0%              # the share of answers from memory that are logged; 0.0001% at least

# Who answers. Several targets take turns, and a call that may be repeated is tried on the next
# one when the first fails.
upstreams:
  users:
    targets: [http://127.0.0.1:3001]
  products:
    targets: [http://127.0.0.1:3002]
  orders:
    targets: [http://127.0.0.1:3003]
    timeout: 35s            # `Prefer: wait` holds an answer back for up to 30 seconds
    connect_timeout: 500ms
    idle_timeout: 10s       # how long an unused connection is kept
    connections: 64         # to each target from each event loop
    waiting: 1024           # calls that wait for one of them; more are answered 503
    max_header_size: 32KiB
    max_body_size: 4MiB
    retry:
      attempts: 2           # of calls that may be repeated, and of those that were never sent
      per_try_timeout: 2s   # counts where a further try follows; else a try may use all time
      budget: 20%           # second tries among the calls under way; three at once always may
  payments:
    targets: [http://127.0.0.1:3004]
  inventory:
    targets: [http://127.0.0.1:3005]
  shipping:
    targets: [http://127.0.0.1:3006]

# How much is kept in this process. What several gateways share is in Redis. `memory` counts heads
# and bodies; with keys, tags and what lies between them, the process grows by up to 2.5 times that.
cache:
  memory: 64MiB
  entries: 20000

# What is asked for, and who answers. Braces name a segment of the path; the same name in
# `upstream_path`, in tags and in parts stands for what the client wrote there. A slash at the end
# of a path is forwarded as it came. An `upstream_path` may have a query: the client's follows it.
#
#   cache.ttl            the longest life of an answer; its service can shorten it
#   cache.jitter         share of the life taken away at random, so that not all end together
#   cache.negative_ttl   life of 404 and 410
#   cache.partial_ttl    life of an aggregate with failed parts; 0s keeps none
#   cache.tags           what the answer tells about; an event or a change takes it away. A change
#                        through a route with the same path does so by itself
#   cache.vary_query     parameters that matter (default all); others are not passed on
#   cache.vary_headers   header fields that matter (default none); others are not passed on
#   cache.obey_client    whether no-cache, max-age and the like from clients count (default false)
#   cache.scope          anonymous: requests with Authorization or Cookie go around the cache
#                        shared: the answer never depends on who asks, and is not told who does
#   invalidates          what a request through this route takes out of the cache when it is done,
#                        beside the answers at its own path and at the one its answer names
routes:
  - name: order-details
    path: /orders/{id}/details
    timeout: 5s
    cache:
      ttl: 60s
      jitter: 10%
      negative_ttl: 1s
      partial_ttl: 0s
      vary_query: []
      scope: shared
    # Parts are fetched side by side, except where one needs another's answer, and stand in the
    # answer in this order.
    #
    #   on_error: fail      the whole fails with it (the default; `required: true` says the same)
    #             omit      it is left out, `_errors` names it, X-Aggregate-Complete is false
    #             default   the value under `default` stands in, and the same is said
    #             stale     as omit, until parts are kept by themselves
    #   absent:   error     404 from the service is such a failure (the default)
    #             null      404 means that there is none yet: the part is null, nothing is wrong
    #             omit      the same, and the part is left out
    #   tags: what the part tells about; `{order.userId}` of the part's own answer too
    #   as, select, timeout, depends_on: its name in the answer, the members taken over, its own
    #   time limit, parts to wait for beside those that placeholders name
    aggregate:
      parts:
        order:
          upstream: orders
          path: /orders/{id}
          required: true
          tags: ["order:{id}"]
        user:
          upstream: users
          path: /users/{order.userId}
          on_error: omit
          tags: ["user:{order.userId}"]
        product:
          upstream: products
          path: /products/{order.productId}
          on_error: omit
          tags: ["product:{order.productId}"]
        payment:
          upstream: payments
          path: /payments/{id}
          absent: null
          on_error: omit
          tags: ["order:{id}"]
        shipment:
          upstream: shipping
          path: /shipments/{id}
          absent: null
          on_error: omit
          tags: ["order:{id}"]

  - name: order
    path: /orders/{id}
    upstream: orders
    timeout: 5s
    cache: {ttl: 60s, negative_ttl: 1s, vary_query: [], scope: shared, tags: ["order:{id}"]}
  - name: orders
    path: /orders
    upstream: orders
    timeout: 5s
  - name: order-create
    path: /orders
    methods: [POST]
    upstream: orders
    timeout: 35s
  - name: order-cancel
    path: /orders/{id}/cancel
    methods: [POST]
    upstream: orders
    timeout: 35s
    invalidates: ["order:{id}"]

  - name: payment
    path: /payments/{orderId}
    upstream: payments
    cache: {ttl: 60s, negative_ttl: 1s, vary_query: [], scope: shared, tags: ["order:{orderId}"]}
  - name: shipment
    path: /shipments/{orderId}
    upstream: shipping
    cache: {ttl: 60s, negative_ttl: 1s, vary_query: [], scope: shared, tags: ["order:{orderId}"]}

  # Not kept: goods leave the stock without an event that tells of it.
  - name: stock
    path: /inventory/{productId}
    methods: [GET, PUT]
    upstream: inventory

  - name: user
    path: /users/{id}
    upstream: users
    cache: {ttl: 30s, negative_ttl: 1s, vary_query: [], scope: shared, tags: ["user:{id}"]}
  - name: user-change
    path: /users/{id}
    methods: [PATCH]
    upstream: users
    invalidates: ["user:{id}"]
  - name: users
    path: /users
    methods: [GET, POST]
    upstream: users

  - name: product
    path: /products/{id}
    upstream: products
    cache: {ttl: 30s, negative_ttl: 1s, vary_query: [], scope: shared, tags: ["product:{id}"]}
  - name: product-change
    path: /products/{id}
    methods: [PATCH]
    upstream: products
    invalidates: ["product:{id}"]
  - name: products
    path: /products
    methods: [GET, POST]
    upstream: products

# Which events take answers away. `subject` is the order's ID; `data.member` reads the event.
invalidation:
  on:
    - service: order
      events:
        - OrderCreated
        - OrderCompleted
        - OrderCancellationRequested
        - OrderCancelling
        - OrderCancelled
      tags: ["order:{subject}"]
    - service: payment
      events: [PaymentProcessed, PaymentFailed, PaymentRefunded]
      tags: ["order:{subject}"]
    - service: inventory
      events: [ProductReserved, ProductReservationFailed, ProductReleased, ProductShipped]
      tags: ["order:{subject}"]
    - service: shipping
      events: [ShipmentArranged, ShippingFailed, ShipmentCancelled, ShipmentDispatched]
      tags: ["order:{subject}"]

# Authentication, authorisation and rate limits will stand under `auth`.

"""
}
