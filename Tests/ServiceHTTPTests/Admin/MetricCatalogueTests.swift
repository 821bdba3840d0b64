import Foundation
import Testing

@testable import Observability
@testable import ServiceHTTP

@Suite(.timeLimit(.minutes(1)))
struct MetricCatalogueTests {
    /// The exposed names of all instruments that the sources make.
    static func names() throws -> Set<String> {
        let sources = URL(filePath: #filePath).appending(path: "../../../../Sources").standardized
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        let instrument =
            /(Counter|Timer|Gauge|Meter|Recorder)\(\s*(?:label: )?"([a-z][a-z0-9_]*)"/
        var names: Set<String> = []
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift" else { continue }
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: instrument) {
                let label = String(match.2)
                switch match.1 {
                case "Counter": names.insert(MetricName.counter(label))
                case "Timer": names.insert(MetricName.timer(label))
                default: names.insert(MetricName.sanitized(label))
                }
            }
        }
        return names
    }

    @Test func everyMetricOfTheSourcesIsExplained() throws {
        let names = try Self.names()

        #expect(names.count > 15)
        #expect(names.subtracting(MetricCatalogue.help.keys).isEmpty)
        #expect(Set(MetricCatalogue.help.keys).subtracting(names).isEmpty, "no such metric")
    }
}
