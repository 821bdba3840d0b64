// swift-tools-version: 6.2
import PackageDescription

// Benchmarks, apart from the product so that nothing here is built with it.
// One target for each subject; run one with
//
//   swift run -c release --package-path tools/benchmarks RedisBenchmark     (or another)

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "troupe", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .executableTarget(
            name: "GatewayBenchmark",
            dependencies: [
                .product(name: "Gateway", package: "troupe"),
                .product(name: "Observability", package: "troupe"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .target(
            name: "InstantShop",
            dependencies: [
                .product(name: "CloudEvents", package: "troupe"),
                .product(name: "OrderSystem", package: "troupe"),
                .product(name: "TroupeRedis", package: "troupe"),
                .product(name: "TroupeRedisTestKit", package: "troupe"),
                .product(name: "Saga", package: "troupe"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "OrdersBenchmark",
            dependencies: [
                "RedisReference",
                .product(name: "TroupeRedis", package: "troupe"),
                .product(name: "TroupeRedisTestKit", package: "troupe"),
            ],
            swiftSettings: settings),
        .target(
            name: "RedisReference",
            dependencies: [
                .product(name: "TroupeRedis", package: "troupe"),
                .product(name: "TroupeRedisTestKit", package: "troupe"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "RedisBenchmark",
            dependencies: [
                "InstantShop",
                "RedisReference",
                .product(name: "TroupeRedis", package: "troupe"),
                .product(name: "TroupeRedisTestKit", package: "troupe"),
                .product(name: "Saga", package: "troupe"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "SagaBenchmark",
            dependencies: [
                "InstantShop",
                "RedisReference",
                .product(name: "TroupeRedis", package: "troupe"),
                .product(name: "TroupeRedisTestKit", package: "troupe"),
                .product(name: "Saga", package: "troupe"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: settings),
    ]
)
