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

    @Test func aPortThatLeavesNoRoomForTheAdminPortIsAFaultWithItsPlace() throws {
        let text = BuiltInGatewayFile.text.replacing("port: 3000", with: "port: 0")
        let source = GatewayFile.Source(name: "g.yaml", text: text)

        let failure = #expect(throws: CommandFailure.self) { try GatewayFile.read(source) }

        let line = try #require(
            text.split(separator: "\n", omittingEmptySubsequences: false)
                .firstIndex { $0.contains("port: 0") })
        #expect(failure?.message.contains("g.yaml:\(line + 1):") == true, "\(failure as Any)")
    }

    @Test(arguments: [("/", "a folder"), ("/nonexistent.yaml", "no such file")])
    func whatCannotBeReadIsSaidWithTheReason(path: String, reason: String) {
        let failure = #expect(throws: CommandFailure.self) {
            try GatewayFile.find(path, in: EnvironmentOptions(variables: [:]))
        }
        #expect(failure?.message.contains(reason) == true, "\(failure as Any)")
    }

    /// As of `troupe check <(…)`, or through standard input.
    @Test func whatComesThroughAPipeIsReadToItsEnd() throws {
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data("a: 1\nb: 2\n".utf8))
        try pipe.fileHandleForWriting.close()

        let text = try FileText.read("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)")

        #expect(text == "a: 1\nb: 2\n")
    }

    /// The command line goes before the variable, and both before the file.
    @Test func thePortOfTheFileCounts() throws {
        let path = FileManager.default.temporaryDirectory
            .appending(path: "gateway-\(UUID().uuidString).yaml").path
        let text = BuiltInGatewayFile.text
        defer { try? FileManager.default.removeItem(atPath: path) }
        func port(_ option: Int?, _ variable: String?, file: String) throws -> Int {
            try Data(text.replacing("port: 3000", with: "port: \(file)").utf8)
                .write(to: URL(filePath: path))
            let environment = EnvironmentOptions(
                variables: ["TROUPE_GATEWAY": path, "PORT": variable ?? ""])
            return try environment.port(
                option, "PORT", default: GatewayFile.port(nil, in: environment),
                highest: Addresses.firstPortHighest)
        }

        #expect(try port(nil, nil, file: "4100") == 4100)
        #expect(try port(nil, "4200", file: "4100") == 4200)
        #expect(try port(4300, "4200", file: "4100") == 4300)
        for wrong in ["0", "65436"] {
            let failure = #expect(throws: CommandFailure.self) { try port(nil, nil, file: wrong) }
            #expect(failure?.message.contains("server.port is \(wrong)") == true)
        }
    }

    @Test func fileThatIsNamedMustExist() {
        #expect(throws: CommandFailure.self) {
            try GatewayFile.find("/no/such/file", in: EnvironmentOptions(variables: [:]))
        }
    }
}
