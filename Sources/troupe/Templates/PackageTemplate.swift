/// What `troupe init` writes: a package with a saga, its services and its tests.
///
///     Package.swift                      on Troupe, by a checkout or a released version
///     README.md                          the next three commands
///     Sources/Trips/TripSaga.swift       events, route, and what each service does
///     Sources/Trips/Agency.swift         who takes the bookings: replaced first
///     Sources/Trips/TripProgram.swift    runs the services
///     Tests/TripsTests/TripTests.swift   the saga in memory
///
/// The Swift files are those that this package's own tests compile and run, to the letter.
struct PackageTemplate {
    var name: String
    var source: TroupeSource

    /// Paths in the package, and what stands there.
    var files: [(path: String, text: String)] {
        [
            ("Package.swift", manifest), ("README.md", readme), (".gitignore", ".build/\n"),
            ("Sources/Trips/TripSaga.swift", sagaTemplate),
            ("Sources/Trips/Agency.swift", agencyTemplate),
            ("Sources/Trips/TripProgram.swift", programTemplate),
            ("Tests/TripsTests/TripTests.swift", testTemplate),
        ]
    }

    private var manifest: String {
        """
        // swift-tools-version: 6.2
        import PackageDescription

        let package = Package(
            name: "\(name)",
            platforms: [.macOS(.v15)],
            dependencies: [
                \(source.dependency),
                .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
                .package(
                    url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
            ],
            targets: [
                .executableTarget(
                    name: "Trips",
                    dependencies: [
                        .product(name: "Saga", package: "troupe"),
                        .product(name: "TroupeRedis", package: "troupe"),
                        .product(name: "Logging", package: "swift-log"),
                        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                    ]),
                .testTarget(
                    name: "TripsTests",
                    dependencies: ["Trips", .product(name: "SagaTestKit", package: "troupe")]),
            ]
        )

        """
    }

    private var readme: String {
        """
        # \(name)

        Trips of a room, a seat and a car, booked together or not at all.

        ```
        swift test                  # the saga in memory: no Redis, no waiting
        swift run Trips             # its services, on the Redis at REDIS_URL or 127.0.0.1:6379
        swift run Trips book Rome   # a trip, in another terminal; "nowhere" has no rooms
        ```

        Where to go on:

        - `Sources/Trips/TripSaga.swift` says who acts on what. What fits no more does not compile,
          or `Participant.faults(between:)` in the tests names it.
        - `Sources/Trips/Agency.swift` stands for the companies that take the bookings. Yours does
          the same for the same key, and refuses a key once it is cancelled.
        - `swift run Trips hotels` runs one service alone. For a program of its own, move events,
          legs and route to a module that all of them import. Where several processes of a service
          run on one machine, give each a `consumerName` in its `SagaRuntimeConfiguration`.
        - `redis-cli PSUBSCRIBE 'saga.*'` shows every event; `troupe tail` and `troupe saga show ID`
          do so in colour. `/metrics` and `/readyz` come with the product `ServiceHTTP`:
          `AdminServer`.
        - `traits: []` behind Troupe in `Package.swift` leaves out TLS, for `rediss://`, and with it
          half of the first build.

        Not there yet: timers, reminders and signals for steps of your own, sagas that an event
        begins, and results with a payload; what a saga came to stands in its events and records.

        """
    }
}

/// Where a package finds Troupe.
enum TroupeSource: Equatable {
    /// A folder with Troupe's sources, as an absolute path.
    case checkout(String)
    /// A repository, from the version of this program on.
    case repository(String)

    /// A line of the manifest.
    var dependency: String {
        switch self {
        case .checkout(let path): #".package(name: "troupe", path: "\#(Self.escaped(path))")"#
        case .repository(let url):
            #".package(url: "\#(Self.escaped(url))", from: "\#(TroupeCommand.version)")"#
        }
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if character == "\\" || character == "\"" { escaped.append("\\") }
            escaped.append(character)
        }
    }
}
