import Foundation
import Gateway
import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(3)))
struct GatewayFileTests {
    @Test func theCopyInTheProgramIsTheFileInTheDeployFolder() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: GatewayFile.usualPath)

        // After a change of the file:
        //   sed 's/^\(.\)/        \1/' deploy/gateway.yaml   between the quotes of the copy
        #expect(try String(contentsOf: file, encoding: .utf8) == BuiltInGatewayFile.text)
    }

    @Test func theCopyHasNoFaults() throws {
        let source = GatewayFile.Source(name: "copy", text: BuiltInGatewayFile.text)

        #expect(try GatewayFile.read(source).routes.isEmpty == false)
    }

    @Test func faultsAreAUsageErrorWithTheirPlace() throws {
        let source = GatewayFile.Source(name: "bad.yaml", text: "routes: 5\n")

        let failure = try #require(throws: CommandFailure.self) { try GatewayFile.read(source) }

        #expect(failure.code == .usage)
        #expect(failure.message.contains("bad.yaml:1:"))
    }

    @Test func fileThatIsNamedMustExist() {
        #expect(throws: CommandFailure.self) {
            try GatewayFile.find("/no/such/file", in: Surroundings(variables: [:]))
        }
    }
}
