// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Says what it likes: events without balances behind them.
contract Liar {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);
    function twice(address from, address to, uint256 v) external { emit Transfer(from, to, v); emit Transfer(from, to, v); }
    function dirty(address from, address to) external { // not addresses, not one word of data, four topics
        bytes32 name = keccak256("Transfer(address,address,uint256)");
        bytes32 wrong = bytes32(uint256(uint160(to)) | (1 << 200));
        assembly { mstore(0, 7) mstore(32, 8) log3(0, 32, name, from, wrong) log3(0, 64, name, from, to) log3(0, 0, name, from, to) log4(0, 32, name, from, to, 9) }
    }
    function symbol() external pure returns (string memory) { return unicode"US\u202eDT\u0000\n<script>"; }
    function decimals() external pure returns (uint256) { return 1000; }
}

/// As tokens of 2017 were: a symbol of 32 bytes, no decimals.
contract OldToken {
    bytes32 public constant symbol = "OLD";
    event Transfer(address indexed from, address indexed to, uint256 value);
    function mint(address to, uint256 v) external { emit Transfer(address(0), to, v); }
}

/// One of a kind: a Transfer with four topics.
contract Unique {
    event Transfer(address indexed from, address indexed to, uint256 indexed id);
    function mint(address to, uint256 id) external { emit Transfer(address(0), to, id); }
}

/// Moves ether in every way there is, and in ways that look as if it moved.
contract Acrobat {
    receive() external payable {}
    constructor() payable {}
    function pay(address payable to, uint256 v) public payable { (bool ok,) = to.call{value: v}(""); require(ok, "pay"); }
    function payTwice(address payable to, uint256 v) external payable { pay(to, v); pay(to, v); }
    function undone(address payable to, uint256 v) external payable { try this.payAndFail(to, v) {} catch {} }
    function payAndFail(address payable to, uint256 v) external payable { this.pay(to, v); revert("undone"); }
    function payThenFail(address payable to, uint256 v) external payable { pay(to, v); revert("undone"); }
    function lend(address code, bytes calldata data) external payable { (bool ok,) = code.delegatecall(data); require(ok, "lend"); }
    function give(address payable to) external payable { new Gone{value: msg.value}(to); }
    function create() external payable returns (address) { return address(new Purse{value: msg.value}()); }
    function deep(uint256 levels, address payable to) external payable {
        if (levels == 0) { pay(to, msg.value); } else { this.deep{value: msg.value}(levels - 1, to); }
    }
}

/// Leaves nothing behind.
contract Gone { constructor(address payable to) payable { selfdestruct(to); } }

/// Born with ether.
contract Purse { constructor() payable {} }
