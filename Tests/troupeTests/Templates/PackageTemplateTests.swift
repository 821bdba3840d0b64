import Foundation
import Testing

@testable import troupe

/// What `troupe init` writes is what our own tests compile and run.
@Suite(.timeLimit(.minutes(1)))
struct PackageTemplateTests {
    private let template = PackageTemplate(name: "trips", source: .checkout("/src/troupe"))

    private func written(_ path: String) throws -> String {
        try #require(template.files.first { $0.path == path }).text
    }

    private func tested(_ name: String) throws -> String {
        let folder = URL(filePath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(
            contentsOf: folder.appending(path: "SagaTestKitTests/\(name)"), encoding: .utf8)
    }

    @Test(arguments: ["TripSaga.swift", "Agency.swift"])
    func theSagaIsTheTestedOneToTheLetter(_ name: String) throws {
        #expect(try written("Sources/Trips/\(name)") == tested(name))
    }

    @Test func theProgramIsTheTestedOneButForItsMark() throws {
        let program = try written("Sources/Trips/TripProgram.swift")
        #expect(program.contains("\n@main\nenum TripProgram {"))
        #expect(
            program.replacing("\n@main\n", with: "\n") == (try tested("TripProgram.swift")))
    }

    @Test func theTestsAreThoseOfOurOwnButForTheirImport() throws {
        let tests = try written("Tests/TripsTests/TripTests.swift")
        #expect(tests.contains("\n\n@testable import Trips\n"))
        #expect(
            tests.replacing("\n\n@testable import Trips\n", with: "\n")
                == (try tested("TripTests.swift")))
    }

    @Test func theManifestNamesPackageAndSource() throws {
        #expect(try written("Package.swift").contains(#"name: "trips","#))
        #expect(
            try written("Package.swift").contains(
                #"        .package(name: "troupe", path: "/src/troupe"),"#))
        #expect(
            TroupeSource.repository("https://example.com/troupe").dependency
                == #".package(url: "https://example.com/troupe", from: "0.1.0")"#)
        #expect(TroupeSource.checkout(#"/a"b\c"#).dependency.hasSuffix(#"path: "/a\"b\\c")"#))
    }
}
