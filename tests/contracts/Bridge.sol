// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface Coin { function transferFrom(address from, address to, uint256 units) external returns (bool); }

/// Moves and says what Across's SpokePool does: a deposit comes in, a relayer's fill goes straight to the recipient.
/// A deal: depositor, recipient, input token, output token, input amount, output amount, origin chain, number.
contract Spoke {
    function deposit(bytes32[8] calldata d, uint256 to) external {
        _move(d[2], address(this), d[4]);
        bytes memory first = abi.encode(d[2], d[3], d[4], d[5], 1, 2, 3);
        _say(
            "FundsDeposited(bytes32,bytes32,uint256,uint256,uint256,uint256,uint32,uint32,uint32,bytes32,bytes32,bytes32,bytes)",
            bytes.concat(first, abi.encode(d[1], uint256(0), 320, 0)), bytes32(to), d[7], d[0]
        );
    }
    function fill(bytes32[8] calldata d) external {
        _move(d[3], address(uint160(uint256(d[1]))), d[5]);
        bytes memory first = abi.encode(d[2], d[3], d[4], d[5], 1, 2, 3, uint256(0));
        bytes memory then = abi.encode(d[0], d[1], uint256(0), d[1], uint256(0), d[5], 0);
        _say(
            "FilledRelay(bytes32,bytes32,uint256,uint256,uint256,uint256,uint256,uint32,uint32,bytes32,bytes32,bytes32,bytes32,bytes32,(bytes32,bytes32,uint256,uint8))",
            bytes.concat(first, then), d[6], d[7], bytes32(uint256(uint160(msg.sender)))
        );
    }
    function _move(bytes32 token, address to, bytes32 units) private {
        require(Coin(address(uint160(uint256(token)))).transferFrom(msg.sender, to, uint256(units)), "token");
    }
    function _say(string memory signature, bytes memory data, bytes32 one, bytes32 two, bytes32 three) private {
        bytes32 topic = keccak256(bytes(signature));
        assembly { log4(add(data, 32), mload(data), topic, one, two, three) }
    }
}
