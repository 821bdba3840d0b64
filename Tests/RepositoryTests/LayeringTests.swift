import Foundation
import Testing

/// Who may import whom.
///
/// The table is the architecture: a new edge is a decision, made here.
@Suite(.timeLimit(.minutes(1)))
struct LayeringTests {
    /// Our targets, and which of ours each may import.
    private static let mayImport: [String: Set<String>] = [
        "JSONText": [],
        "PlainText": [],
        "Timekeeping": [],
        "TurnTaking": [],
        "CHiredis": [],
        "CReplyTape": ["CHiredis"],
        "TroupeRedis": ["CReplyTape"],
        "TroupeRedisTestKit": ["TroupeRedis"],
        "CloudEvents": ["JSONText", "Timekeeping"],
        "EventStreams": ["TroupeRedis"],
        "Observability": ["JSONText", "Timekeeping"],
        "Saga": ["CloudEvents", "JSONText", "PlainText", "Timekeeping", "TurnTaking"],
        "SagaRedis": [
            "CloudEvents", "EventStreams", "PlainText", "Saga", "Timekeeping", "TroupeRedis",
        ],
        "SagaTestKit": ["CloudEvents", "Saga", "Timekeeping"],
        "simulate": ["Saga", "SagaTestKit"],
        "Gateway": ["JSONText", "Observability", "PlainText", "Timekeeping"],
        "GatewayRedis": [
            "CloudEvents", "EventStreams", "Gateway", "JSONText", "PlainText", "Timekeeping",
            "TroupeRedis",
        ],
        "ServiceHTTP": [
            "CloudEvents", "JSONText", "Observability", "PlainText", "Timekeeping", "TurnTaking",
        ],
        "SagaHTTP": [
            "CloudEvents", "JSONText", "Observability", "PlainText", "Saga", "SagaRedis",
            "ServiceHTTP", "Timekeeping", "TroupeRedis",
        ],
        "OrderContracts": ["CloudEvents", "Saga"],
        "OrderService": orderService,
        "PaymentService": orderService,
        "InventoryService": orderService,
        "ShippingService": orderService,
        "UserService": orderService,
        "ProductService": orderService,
        "SandboxService": ["JSONText", "Observability", "ServiceHTTP", "Timekeeping"],
        "troupe": orderService.union([
            "EventStreams", "Gateway", "GatewayRedis", "InventoryService", "OrderService",
            "PaymentService", "PlainText", "ProductService", "SandboxService", "ShippingService",
            "UserService",
        ]),
    ]

    /// Services share their contracts and never import each other.
    private static let orderService: Set<String> = [
        "CloudEvents", "JSONText", "Observability", "OrderContracts", "Saga", "SagaHTTP",
        "SagaRedis", "ServiceHTTP", "Timekeeping", "TroupeRedis",
    ]

    /// Targets that only decide: no sockets, no HTTP, no event loops.
    private static let pure: Set<String> = [
        "CloudEvents", "JSONText", "OrderContracts", "PlainText", "Saga", "Timekeeping",
        "TurnTaking",
    ]
    private static let acting = [
        "NIO", "Hummingbird", "AsyncHTTPClient", "HTTPTypes", "Dispatch",
    ]

    @Test func everyTargetHasItsPlaceInTheTable() {
        let unknown = Repository.folders(of: "Sources").filter { Self.mayImport[$0] == nil }
        #expect(unknown.isEmpty, "Sources/\(unknown): add the target to the layering table")
    }

    @Test func targetsImportOnlyWhatStandsBelowThem() {
        var violations: [Violation] = []
        for file in Repository.sources {
            let allowed = Self.mayImport[file.target] ?? []
            for (index, module) in file.imports where Self.mayImport[module] != nil {
                guard module != file.target, !allowed.contains(module) else { continue }
                violations.append(
                    Violation(file, index, "\(file.target) must not import \(module)"))
            }
        }
        expectNone(violations)
    }

    @Test func whatDecidesImportsNothingThatActs() {
        var violations: [Violation] = []
        for file in Repository.sources where Self.pure.contains(file.target) {
            for (index, module) in file.imports
            where Self.acting.contains(where: { module.hasPrefix($0) }) {
                violations.append(
                    Violation(file, index, "\(file.target) is pure and must not use \(module)"))
            }
        }
        expectNone(violations)
    }

    /// Full Foundation quadruples the size of a static binary.
    @Test func productsUseFoundationEssentialsWhereItExists() {
        var violations: [Violation] = []
        for file in Repository.sources {
            for (index, module) in file.imports where module == "Foundation" {
                let before = file.code[max(0, index - 4)..<index].joined(separator: "\n")
                if before.contains("canImport(FoundationEssentials)"), before.contains("#else") {
                    continue
                }
                violations.append(
                    Violation(file, index, "import FoundationEssentials, Foundation only in #else"))
            }
        }
        expectNone(violations)
    }

    @Test func onlyTheReplyTapeIncludesHiredis() {
        let violations = Repository.files(under: ["Sources"])
            .filter { $0.path.hasSuffix(".h") || $0.path.hasSuffix(".c") }
            .filter { !["CHiredis", "CReplyTape"].contains($0.target) }
            .map { Violation($0.path, "C lives in CHiredis and CReplyTape alone") }
        expectNone(violations)
    }
}

extension RepositoryFile {
    /// Line index and module of every import, whatever its access level and attributes.
    fileprivate var imports: [(Int, String)] {
        code.enumerated().compactMap { index, line in
            let words = line.split(separator: " ").map(String.init)
            guard let position = words.firstIndex(of: "import"),
                words[..<position].allSatisfy({ isImportPrefix($0) })
            else { return nil }
            let kinds = ["struct", "class", "enum", "protocol", "func", "typealias", "var", "let"]
            let name = words.dropFirst(position + 1).first { !kinds.contains($0) }
            return name.map { (index, $0.components(separatedBy: ".")[0]) }
        }
    }

    private func isImportPrefix(_ word: String) -> Bool {
        word.hasPrefix("@") || ["public", "package", "internal", "private"].contains(word)
    }
}
