import Foundation
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct RightsInReadmeTests {
    private static let readme = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "README.md")

    /// Read as one line, since the README breaks them.
    @Test func theRulesAreThoseOfTheProgram() throws {
        let words = try String(contentsOf: Self.readme, encoding: .utf8)
            .split { $0.isWhitespace }
        let text = words.joined(separator: " ")
        var gateway = RedisRole.events(namespace: nil)
        gateway = gateway.joined(with: .cache(namespace: nil))
        let services = try #require(RedisRole.services(namespace: nil))

        for role in [services, gateway, .cache(namespace: nil)] {
            let isThere = text.contains(" \(role.rule) ")
            #expect(isThere, "missing in README: \(role.rule)")
        }
    }
}
