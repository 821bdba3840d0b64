// swift-tools-version: 6.2
import PackageDescription

// Targets stand in layer order: what a target may import is above it.
// Tests/RepositoryTests checks that against every `import` line.

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

// Where an asynchronous function of the engine runs is where its caller runs. Otherwise each call
// would look up the task's executor, only to find that it is there already.
let engineSettings = settings + [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]
let engine: Set = ["TroupeRedis", "Saga", "SagaRedis", "SagaTestKit", "TurnTaking"]

// What simulations and explorations run. They compute for minutes unless it is optimised, which
// tools/test asks for; nothing else does, as packages with unsafe flags cannot be depended upon.
let computing: Set = [
    "CloudEvents", "Gateway", "GatewayExplorationTests", "JSONText", "OrderContracts", "PlainText",
    "RepositoryTests", "Saga", "SagaTestKit", "Timekeeping", "TurnTaking",
]

/// Nothing but `-O` for those, and only when asked for.
func optimised(_ name: String) -> [SwiftSetting] {
    let isWanted = Context.environment["TROUPE_OPTIMISED"] == "1"
    return isWanted && computing.contains(name) ? [.unsafeFlags(["-O"])] : []
}

// On Linux the headers are on the default path, and pkg-config only adds a warning about a
// flag that SwiftPM refuses. Homebrew's are found through pkg-config alone.
#if os(macOS)
    let hiredisPkgConfig: String? = "hiredis"
#else
    let hiredisPkgConfig: String? = nil
#endif

let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(
    name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdCore = Target.Dependency.product(
    name: "HummingbirdCore", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(
    name: "HummingbirdTesting", package: "hummingbird")
let lifecycle = Target.Dependency.product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
// BoringSSL is most of what a first build takes.
let nioSSLIfWanted = Target.Dependency.product(
    name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["TLS"]))
let unixSignals = Target.Dependency.product(
    name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name, dependencies: dependencies,
        swiftSettings: (engine.contains(name) ? engineSettings : settings) + optimised(name))
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, swiftSettings: settings + optimised(name))
}

let package = Package(
    name: "troupe",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "troupe", targets: ["troupe"]),
        .library(name: "CloudEvents", targets: ["CloudEvents"]),
        .library(name: "Gateway", targets: ["Gateway", "GatewayRedis"]),
        .library(name: "JSONText", targets: ["JSONText"]),
        .library(name: "Observability", targets: ["Observability"]),
        .library(name: "TroupeRedis", targets: ["TroupeRedis"]),
        .library(name: "TroupeRedisTestKit", targets: ["TroupeRedisTestKit"]),
        .library(name: "Saga", targets: ["Saga", "SagaRedis"]),
        .library(name: "SagaTestKit", targets: ["SagaTestKit"]),
        .library(name: "ServiceHTTP", targets: ["ServiceHTTP", "SagaHTTP"]),
        .library(name: "Timekeeping", targets: ["Timekeeping"]),
        .library(
            name: "OrderSystem",
            targets: [
                "OrderContracts", "OrderService", "PaymentService", "InventoryService",
                "ShippingService", "UserService", "ProductService", "SandboxService",
            ]),
    ],
    traits: [
        .trait(name: "TLS", description: "rediss://, by swift-nio-ssl."),
        .default(enabledTraits: ["TLS"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(
            url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Foundations
        module("JSONText", []),
        module("PlainText", []),
        module("Timekeeping", []),
        module("TurnTaking", [deque]),

        // Redis
        .systemLibrary(
            name: "CHiredis", pkgConfig: hiredisPkgConfig,
            providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        .target(
            name: "CReplyTape", dependencies: ["CHiredis"],
            linkerSettings: [.linkedLibrary("hiredis")]),
        module(
            "TroupeRedis",
            [
                "CReplyTape", deque, lifecycle, logging, metrics, nioCore, nioPosix,
                nioSSLIfWanted,
            ]),
        module("TroupeRedisTestKit", ["TroupeRedis", logging, nioCore, nioPosix]),

        // Events, logs and metrics
        module("CloudEvents", ["JSONText", "Timekeeping"]),
        module("EventStreams", ["TroupeRedis", nioCore]),
        module("Observability", ["JSONText", "Timekeeping", logging, metrics]),

        // Sagas
        module(
            "Saga",
            [
                "CloudEvents", "JSONText", "PlainText", "Timekeeping", "TurnTaking", deque,
                lifecycle, logging, metrics,
            ]),
        module(
            "SagaRedis",
            [
                "CloudEvents", "EventStreams", "PlainText", "Saga", "Timekeeping", "TroupeRedis",
                logging, nioCore,
            ]),

        module("SagaTestKit", ["CloudEvents", "Saga", "Timekeeping", logging]),
        // What tools/simulate runs; no product.
        .executableTarget(
            name: "simulate", dependencies: ["Saga", "SagaTestKit"], swiftSettings: settings),

        // The gateway
        module(
            "Gateway",
            [
                "JSONText", "Observability", "PlainText", "Timekeeping", crypto, deque, lifecycle,
                logging, metrics, nioCore, nioHTTP1, nioPosix, yams,
            ]),
        module(
            "GatewayRedis",
            [
                "CloudEvents", "EventStreams", "Gateway", "JSONText", "PlainText", "Timekeeping",
                "TroupeRedis", lifecycle, logging, metrics,
            ]),

        // The order system
        module(
            "ServiceHTTP",
            [
                "CloudEvents", "JSONText", "Observability", "PlainText", "Timekeeping",
                "TurnTaking", asyncHTTPClient, httpTypes, hummingbird, hummingbirdCore, lifecycle,
                logging, metrics, nioCore, nioHTTP1, nioHTTPTypes, nioPosix, unixSignals,
            ]),
        module(
            "SagaHTTP",
            [
                "CloudEvents", "JSONText", "Observability", "PlainText", "Saga", "SagaRedis",
                "ServiceHTTP", "Timekeeping", "TroupeRedis", httpTypes, hummingbird, lifecycle,
                logging,
            ]),
        module("OrderContracts", ["CloudEvents", "Saga"]),
        module("OrderService", orderServiceDependencies),
        module("PaymentService", orderServiceDependencies),
        module("InventoryService", orderServiceDependencies),
        module("ShippingService", orderServiceDependencies),
        module("UserService", orderServiceDependencies),
        module("ProductService", orderServiceDependencies),
        module(
            "SandboxService",
            [
                "JSONText", "Observability", "ServiceHTTP", "Timekeeping", httpTypes, hummingbird,
                lifecycle, logging, nioCore, nioPosix,
            ]),

        // The command line
        .executableTarget(
            name: "troupe",
            dependencies: [
                "CloudEvents", "EventStreams", "Gateway", "GatewayRedis", "InventoryService",
                "JSONText", "Observability", "OrderContracts", "OrderService", "PaymentService",
                "PlainText", "ProductService", "TroupeRedis",
                "Saga", "SagaRedis", "SandboxService", "ServiceHTTP", "ShippingService",
                "Timekeeping", "UserService", argumentParser, asyncHTTPClient, lifecycle, logging,
                nioCore, nioHTTP1, nioPosix,
            ],
            swiftSettings: settings),

        // Tests
        tests("CloudEventsTests", ["CloudEvents", "Timekeeping"]),
        tests(
            "EventStreamsTests", ["EventStreams", "TroupeRedis", "TroupeRedisTestKit", nioCore]),
        // Apart from the other tests of the gateway: they keep a core busy for a while, and what
        // waits for a time-out beside them would be starved.
        tests("GatewayExplorationTests", ["Gateway", "TroupeRedisTestKit"]),
        tests(
            "GatewayTests",
            [
                "Gateway", "JSONText", "Observability", "TroupeRedisTestKit", lifecycle, logging,
                metrics, nioCore, nioEmbedded, nioHTTP1, nioPosix,
            ]),
        tests(
            "GatewayRedisTests",
            [
                "CloudEvents", "EventStreams", "Gateway", "GatewayRedis", "TroupeRedis",
                "TroupeRedisTestKit", logging, nioCore,
            ]),
        tests("InventoryServiceTests", orderServiceTestDependencies + ["InventoryService"]),
        tests("JSONTextTests", ["JSONText"]),
        tests("ObservabilityTests", ["Observability", "Timekeeping", logging, metrics]),
        tests("OrderContractsTests", ["CloudEvents", "OrderContracts", "Saga"]),
        // Apart from the other tests of the services, for the same reason.
        tests(
            "OrderSimulationTests",
            [
                "InventoryService", "OrderContracts", "OrderService", "PaymentService", "Saga",
                "SagaTestKit", "ShippingService", "Timekeeping",
            ]),
        tests(
            "OrderServiceTests",
            orderServiceTestDependencies + [
                "InventoryService", "Observability", "OrderService", "PaymentService",
                "ProductService", "SandboxService", "ShippingService", "UserService",
                asyncHTTPClient, lifecycle, nioHTTP1,
            ]),
        tests("PaymentServiceTests", orderServiceTestDependencies + ["PaymentService"]),
        tests("ProductServiceTests", orderServiceTestDependencies + ["ProductService"]),
        tests(
            "TroupeRedisTests",
            [
                "CHiredis", "CReplyTape", "TroupeRedis", "TroupeRedisTestKit", logging, metrics,
                nioCore,
                nioEmbedded, nioPosix, nioSSL,
            ]),
        tests("PlainTextTests", ["PlainText"]),
        tests("RepositoryTests", []),
        tests(
            "SagaTests",
            ["CloudEvents", "PlainText", "Saga", "SagaTestKit", "TurnTaking", logging]),
        tests(
            "SagaRedisTests",
            [
                "CloudEvents", "EventStreams", "Saga", "SagaRedis", "SagaTestKit", "Timekeeping",
                "TroupeRedis", "TroupeRedisTestKit", logging, nioCore,
            ]),
        tests(
            "SagaTestKitTests",
            [
                "CloudEvents", "Gateway", "GatewayRedis", "JSONText", "Saga", "SagaHTTP",
                "SagaRedis", "SagaTestKit", "ServiceHTTP", "TroupeRedis", "TroupeRedisTestKit",
                "simulate", hummingbird, lifecycle, logging, nioCore, unixSignals,
            ]),
        tests("SagaHTTPTests", orderServiceTestDependencies + ["Observability"]),
        tests(
            "SandboxServiceTests",
            [
                "JSONText", "Observability", "SandboxService", "ServiceHTTP", "Timekeeping",
                httpTypes, hummingbird, hummingbirdTesting, lifecycle, logging, nioCore, nioPosix,
            ]),
        tests(
            "ServiceHTTPTests",
            [
                "JSONText", "Observability", "ServiceHTTP", httpTypes, hummingbird,
                hummingbirdTesting, lifecycle, logging, metrics, nioCore, nioEmbedded, nioHTTPTypes,
                nioPosix,
            ]),
        tests("ShippingServiceTests", orderServiceTestDependencies + ["ShippingService"]),
        tests(
            "SystemTests",
            [
                "CloudEvents", "OrderContracts", "SagaRedis", "Timekeeping", "TroupeRedis",
                "TroupeRedisTestKit", "troupe", asyncHTTPClient, logging, nioCore, nioHTTP1,
                nioPosix,
            ]),
        tests("TimekeepingTests", ["Timekeeping"]),
        tests("TurnTakingTests", ["TurnTaking"]),
        tests(
            "troupeTests",
            [
                "CloudEvents", "EventStreams", "Gateway", "GatewayRedis", "Observability", "Saga",
                "TroupeRedis", "TroupeRedisTestKit", "ServiceHTTP", "troupe", argumentParser,
                logging, nioCore, nioPosix,
            ]),
        tests("UserServiceTests", orderServiceTestDependencies + ["UserService"]),
    ]
)

/// What each service of the order system may use.
///
/// Never one another.
var orderServiceDependencies: [Target.Dependency] {
    [
        "CloudEvents", "JSONText", "Observability", "OrderContracts", "Saga", "SagaHTTP",
        "SagaRedis", "ServiceHTTP", "Timekeeping", "TroupeRedis", asyncHTTPClient, crypto,
        httpTypes,
        hummingbird, lifecycle, logging, metrics, nioCore,
    ]
}

var orderServiceTestDependencies: [Target.Dependency] {
    [
        "CloudEvents", "JSONText", "OrderContracts", "Saga", "SagaHTTP", "SagaRedis",
        "ServiceHTTP", "Timekeeping", "TroupeRedis", "TroupeRedisTestKit", hummingbird,
        hummingbirdTesting,
        httpTypes, lifecycle, logging, nioCore,
    ]
}

precondition(computing.isSubset(of: package.targets.map(\.name)), "a module has another name")
